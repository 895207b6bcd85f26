/** Results 890 to 899: queues of what has to be sent. Numbers are never reused. */
import { type ResultSpec, row } from './result-spec.ts';

export const OUTBOX_RESULTS = {
  outboxFull: row(
    890,
    'later',
    503,
    '91',
    'Too much waits to be sent. Please try again later.',
    '待发送消息过多，请稍后再试。',
  ),
  outboxEntryNotFound: row(891, 'never', 404, '25', 'There is no such entry in this queue.', '该队列中没有此记录。'),
  outboxEntryGone: row(
    892,
    'never',
    409,
    '12',
    'The entry was removed, or its time is over.',
    '该记录已移除或已过期。',
  ),
  outboxExistsDifferently: row(
    893,
    'never',
    409,
    '94',
    'This id was used before in this queue with other content.',
    '该编号已在此队列中使用，且内容不同。',
  ),
} as const satisfies Readonly<Record<string, ResultSpec>>;

/** Results 2xx: admission: who asks, and is there room. Numbers are never reused. */
import { type ResultSpec, row } from './result-spec.ts';

export const ADMISSION_RESULTS = {
  unauthenticated: row(201, 'never', 401, '58', 'The API key is missing or not valid.', 'API 密钥缺失或无效。'),
  forbidden: row(202, 'never', 403, '58', 'This API key may not do that.', '该 API 密钥无此权限。'),
  rateLimited: row(
    203,
    'later',
    429,
    '65',
    'Too many requests. Please wait a moment and try again.',
    '请求过于频繁，请稍后再试。',
  ),
  busy: row(204, 'later', 503, '91', 'The service is busy. Please try again in a moment.', '系统繁忙，请稍后再试。'),
  shuttingDown: row(
    205,
    'later',
    503,
    '91',
    'The service is restarting. Please try again in a moment.',
    '系统正在重启，请稍后再试。',
  ),
  tooManyInFlight: row(
    206,
    'later',
    429,
    '65',
    'Too many requests at once. Please wait for the earlier answers.',
    '同时进行的请求过多，请等待之前的结果。',
  ),
  tooManySessions: row(
    207,
    'later',
    503,
    '91',
    'Too many connections. Please try again in a moment.',
    '连接数过多，请稍后再试。',
  ),
} as const satisfies Readonly<Record<string, ResultSpec>>;

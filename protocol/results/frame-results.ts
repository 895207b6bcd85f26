/** Results 1xx: the frame or the HTTP message. Numbers are never reused. */
import { broken, type ResultSpec, row } from './result-spec.ts';

export const FRAME_RESULTS = {
  malformedFrame: broken(101, 'The message could not be read.', '报文无法解析。'),
  unsupportedVersion: broken(102, 'This protocol version is not supported.', '不支持该协议版本。'),
  unknownKind: broken(103, 'This kind of request does not exist.', '请求类型不存在。'),
  frameTooLarge: row(104, 'never', 413, '30', 'The message is too large.', '报文过大。'),
  checksumMismatch: row(
    105,
    'later',
    400,
    '30',
    'The message was damaged on its way. Please send it again.',
    '报文传输中损坏，请重新发送。',
  ),
  frameFlagsReserved: broken(106, 'The message uses flags that do not exist.', '报文使用了未定义的标志。'),
  batchEmpty: broken(107, 'The message holds no records.', '报文中没有记录。'),
  batchTooLarge: row(108, 'never', 413, '30', 'The message holds too many records.', '报文中的记录过多。'),
  malformedBody: broken(109, 'A field of the request is missing or wrong.', '请求字段缺失或有误。'),
  invalidUtf8: broken(110, 'A text of the request is not valid UTF-8.', '请求中的文本不是有效的 UTF-8。'),
  lengthMismatch: broken(111, 'The length of the message does not match its content.', '报文长度与内容不符。'),
  limitOutOfRange: broken(112, 'The page size is out of range.', '分页大小超出范围。'),
  cursorInvalid: broken(113, 'This page does not exist.', '该分页不存在。'),
  notFound: row(114, 'never', 404, '30', 'There is nothing at this address.', '该地址不存在。'),
  partitionNotFound: row(120, 'never', 404, '30', 'There is no such partition.', '该分区不存在。'),
  tooManyReaders: row(
    121,
    'later',
    503,
    '91',
    'Too many readers wait for changes. Please try again in a moment.',
    '等待变更的读取方过多，请稍后再试。',
  ),
} as const satisfies Readonly<Record<string, ResultSpec>>;

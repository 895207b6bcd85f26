/** What both ends of the WebSocket agree on besides the frames. */

export const WEBSOCKET_PATH = '/v1/ws';

/** Why a server closes a connection (RFC 6455 section 7.4 and the IANA registry). */
export const CloseCodes = {
  /** The server shuts down; every request that was answered is durable. */
  goingAway: 1001,
  /** Not authenticated in time, a text message, or a reader too slow for its own replies. */
  policy: 1008,
  /** A message larger than `LIMITS.frameBytesMax`. */
  tooLarge: 1009,
  /** No room for another connection. */
  tryAgain: 1013,
} as const;

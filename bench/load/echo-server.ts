/**
 * Process: a bare uWebSockets.js server that sends every message back. What it does in a second is the most that any
 * server on this library can answer on this machine. Tells its parent the port.
 */

import { createApp, listen } from '../../engine/transport/uws.ts';
import { WEBSOCKET_PATH } from '../../protocol/websocket.ts';

const UNREAD_BYTES_MAX = 64 * 1024 * 1024;

const app = createApp();
app.ws(WEBSOCKET_PATH, {
  maxPayloadLength: 1024 * 1024,
  maxBackpressure: UNREAD_BYTES_MAX,
  message: (socket, message) => {
    socket.send(message, true);
  },
});
const { port } = await listen(app, '127.0.0.1', 0);
process.send?.({ port });
process.once('disconnect', () => process.exit(0));

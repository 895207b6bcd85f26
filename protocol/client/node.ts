/** The client in Node, which has a WebSocket of its own only from version 22 on. */
import { WebSocket } from 'ws';
import { SluiceClient } from './client.ts';
import type { ClientOptions } from './client-options.ts';

/** The largest reply is a look-up of 8190 payments: about 3 MiB. */
const REPLY_BYTES_MAX = 4 * 1024 * 1024;

/** Records do not shrink enough to pay for compression. */
class NodeWebSocket extends WebSocket {
  constructor(url: string) {
    super(url, { perMessageDeflate: false, maxPayload: REPLY_BYTES_MAX });
  }
}

/** `SluiceClient.connect` with the WebSocket of `ws`. */
export function connectNode(options: Omit<ClientOptions, 'webSocket'>): Promise<SluiceClient> {
  return SluiceClient.connect({ ...options, webSocket: NodeWebSocket });
}

/** A TCP relay in front of the switch that can keep its answers to itself. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { listenOnLoopback } from './loopback.ts';

export interface Relay {
  readonly port: number;
  /**
   * On the connections that there are, requests still pass and answers do not: what a switch looks like that dies
   * before its answers leave. Connections made later work.
   */
  mute(): void;
  close(): Promise<void>;
}

export async function openRelay(targetPort: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const answers = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        answers.delete(socket);
        other.destroy();
      });
    }
    answers.add(far);
    near.pipe(far);
    far.pipe(near);
  });
  return {
    port: await listenOnLoopback(server),
    mute: () => {
      for (const far of answers) far.unpipe().resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

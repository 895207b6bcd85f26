/** `sluice serve`: runs the switch until it is told to stop. */
import type { Command } from 'commander';
import type { Config } from '../../config/options.ts';
import { CommandFailure } from '../errors.ts';
import { addConfigOptions, command, configOf } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { registerSandboxCards } from './sandbox-cards.ts';

export function registerServe(program: Command, terminal: Terminal): void {
  const serve = command(
    program,
    'serve',
    'Start the switch. SIGTERM and SIGINT stop it; a second one stops it at once.',
    [
      'sluice serve --sandbox',
      'sluice serve --config /etc/sluice/sluice.yaml',
      'sluice serve --data-dir /var/lib/sluice --host 0.0.0.0 --tls-cert tls.crt --tls-key tls.key',
    ],
  );
  addConfigOptions(serve).action(async () => {
    const { config } = configOf(serve, terminal);
    const { StartError, startSwitch } = await import('../../main.ts');
    const stopped = stopSignal();
    const running = await startSwitch(config).catch((error: unknown) => {
      throw error instanceof StartError ? new CommandFailure(error.message) : error;
    });
    try {
      const address = baseUrl(config, running.port);
      if (serve.opts().json === true) {
        terminal.output.write(`${JSON.stringify({ listening: address, pid: process.pid, dataDir: config.dataDir })}\n`);
      }
      terminal.errors.write(`Listening on ${address} (WebSocket at /v1/ws, HTTP at /v1, documentation at /docs).\n`);
      for (const [link, port] of running.terminalPorts ?? []) {
        terminal.errors.write(`Card messages (ISO 8583) of ${link} on port ${port}.\n`);
      }
      if (config.sandbox) await openPlayground(config, running.port, terminal);
      const problem = await Promise.race([stopped, running.failed]);
      if (problem !== undefined) {
        const reason = problem instanceof Error ? problem.message : String(problem);
        throw new CommandFailure(`the switch cannot go on and stops: ${reason}`);
      }
    } finally {
      // A second signal while this drains finds no handler of ours and ends the process.
      await running.close();
    }
  });
}

/** Where clients on this machine reach the switch. */
function baseUrl(config: Config, port: number): string {
  const scheme = config.tlsCert === undefined ? 'http' : 'https';
  return `${scheme}://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
}

async function openPlayground(config: Config, port: number, terminal: Terminal): Promise<void> {
  const { sandboxCommands, startSandbox } = await import('../sandbox.ts');
  const url = `ws://${loopbackOf(config.host)}:${port}/v1/ws`;
  try {
    await startSandbox({ url, dataDir: config.dataDir }, registerSandboxCards);
  } catch (error) {
    throw new CommandFailure(`the sandbox could not be opened: ${error instanceof Error ? error.message : error}`);
  }
  const commands = sandboxCommands(config, port);
  terminal.errors.write(`\nThe sandbox is open. In another terminal, try:\n\n  ${commands.join('\n  ')}\n\n`);
}

/** The wildcard addresses are no address to connect to. */
function loopbackOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** Resolves with the first SIGTERM or SIGINT; the next one has its default effect again and ends the process. */
function stopSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      resolve(undefined);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

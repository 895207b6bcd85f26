/** What a run did, counted. */
import type { Command } from './model/command.ts';

export class Tally {
  steps = 0;
  crashes = 0;
  recoveries = 0;
  checkpoints = 0;
  merges = 0;
  failedWrites = 0;
  damages = 0;
  verifications = 0;
  readonly commands: Record<string, number> = {};
  readonly results: Record<string, number> = {};

  batch(commands: readonly Command[]): void {
    this.steps += commands.length;
    for (const { type } of commands) this.commands[type] = (this.commands[type] ?? 0) + 1;
  }

  result(name: string, count: number): void {
    this.results[name] = (this.results[name] ?? 0) + count;
  }
}

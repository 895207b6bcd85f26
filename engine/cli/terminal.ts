/** What a command sees of the process that runs it: where to write, who reads it, and the environment. */

export interface Writer {
  /** False: it has enough for now, and emits `drain` when it has not. */
  write(text: string): unknown;
  once?(event: 'drain', listener: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Writes, and waits until a slow reader has caught up: what waits for it stays small. */
export async function writeSlowly(writer: Writer, text: string): Promise<void> {
  if (writer.write(text) !== false || writer.once === undefined) return;
  await new Promise<void>((resolve) => writer.once?.('drain', resolve));
}

export interface Terminal {
  readonly output: Writer;
  /** Errors and progress. */
  readonly errors: Writer;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type Language = 'en' | 'zh';

/** POSIX: LC_ALL wins over LC_MESSAGES, and that over LANG. */
export function languageOf(environment: Terminal['environment']): Language {
  const locale = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || '';
  return locale.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** Colours for a terminal, unless NO_COLOR (https://no-color.org) is set and not empty. */
export function wantsColour(writer: Writer, environment: Terminal['environment']): boolean {
  return writer.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
}

/** How far long work has come, in whatever it counts. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** One line that is rewritten in place, on a terminal only; nothing is written anywhere else. */
export class ProgressLine {
  private readonly writer: Writer;
  private length = 0;

  constructor(writer: Writer) {
    this.writer = writer;
  }

  show(text: string): void {
    if (this.writer.isTTY !== true) return;
    const line = text.slice(0, (this.writer.columns ?? 80) - 1);
    this.writer.write(`\r${line.padEnd(this.length)}`);
    this.length = line.length;
  }

  /** `copy data.mdb: 42 %`. */
  copied(progress: { stage: string; path: string; bytesDone: number; bytesTotal: number }): void {
    const { stage, path, bytesDone, bytesTotal } = progress;
    this.progress({ phase: `${stage} ${path}`, done: bytesDone, total: bytesTotal });
  }

  /** `checking journal: 42 %`. */
  progress(progress: Progress): void {
    const share = progress.total === 0 ? 1 : progress.done / progress.total;
    this.show(`${progress.phase}: ${Math.floor(share * 100)} %`);
  }

  /** Removes the line, so that what is written next starts at the left. */
  clear(): void {
    if (this.length > 0) this.writer.write(`\r${' '.repeat(this.length)}\r`);
    this.length = 0;
  }
}

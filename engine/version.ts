/** The version of the package. */
import { readFileSync } from 'node:fs';

/** The version in package.json, which lies one folder up in the sources and two in the compiled tree. */
export function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const content: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (typeof content === 'object' && content !== null && 'version' in content) return String(content.version);
    } catch {
      // Not there: the other place has it.
    }
  }
  return 'unknown';
}

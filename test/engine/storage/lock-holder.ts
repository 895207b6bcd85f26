/*
 * Child process of directory.test.ts: DIR. Opens the data directory and prints `held PID` or `PROBLEM: message`. A
 * holder stays until its standard input ends, then releases the directory, or keeps the lock when it is told `abandon`.
 */
import { writeSync } from 'node:fs';
import { DirectoryError, openDirectory } from '../../../engine/storage/directory.ts';

const [, , path = ''] = process.argv;
try {
  const directory = await openDirectory(path);
  writeSync(1, `held ${process.pid}\n`);
  let told = '';
  for await (const text of process.stdin.setEncoding('utf8')) told += text;
  if (!told.includes('abandon')) directory.release();
} catch (error) {
  writeSync(1, error instanceof DirectoryError ? `${error.problem}: ${error.message}\n` : `${String(error)}\n`);
}

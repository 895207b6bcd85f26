/** The only errors that encoders and decoders throw. */

/** A value that does not fit the wire: a mistake of the caller, found before anything was sent. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';
  /** The wrong field, as `transfers[3].amount`. */
  readonly path: string;

  constructor(path: string, message: string) {
    super(`${path} ${message}`);
    this.path = path;
  }
}

/** A frame from the server that cannot be read. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

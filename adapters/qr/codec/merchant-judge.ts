/** Who decides whether a broken rule is an error or, under the scheme's profile, a warning. */
import { charactersBefore, type QrError, type QrErrorCode, type QrNoteCode, type QrWarning } from './findings.ts';
import type { Lenience, SchemeProfile } from './profiles.ts';

export class MerchantJudge {
  readonly text: string;
  readonly profile: SchemeProfile;
  readonly warnings: QrWarning[] = [];
  readonly #hasPairs: boolean;

  constructor(text: string, hasPairs: boolean, profile: SchemeProfile) {
    this.text = text;
    this.#hasPairs = hasPairs;
    this.profile = profile;
  }

  /** An error whatever the profile. `at` is an index of the text. */
  refuse(code: QrErrorCode, path: string, at: number, message: string): QrError {
    return { code, path, offset: this.#offset(at), message };
  }

  /** An error, unless the profile puts up with it. */
  unless(lenience: Lenience, code: QrErrorCode, path: string, at: number, message: string): QrError | undefined {
    if (!this.profile.lenient.includes(lenience)) return this.refuse(code, path, at, message);
    this.warnings.push({ code, path, offset: this.#offset(at), message });
    return undefined;
  }

  /** A field that EMVCo demands. It belongs at the end, before the checksum. */
  missing(id: number, at: number, message: string): QrError | undefined {
    const path = String(id);
    if (!this.profile.optional.includes(id)) return this.refuse('missingField', path, at, message);
    this.warnings.push({ code: 'missingField', path, offset: this.#offset(at), message });
    return undefined;
  }

  /** A warning under every profile. */
  note(code: QrNoteCode, path: string, at: number, message: string): void {
    this.warnings.push({ code, path, offset: this.#offset(at), message });
  }

  #offset(at: number): number {
    return this.#hasPairs ? charactersBefore(this.text, at) : at;
  }
}

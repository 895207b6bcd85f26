/** What the switch can say about itself to a supervisor and to a load balancer. */

export interface Readiness {
  readonly ready: boolean;
  /** Why not; `ready` when it is. */
  readonly reason: string;
}

/**
 * Alive from the start until it cannot go on; ready once the journal is recovered and writable, and not any more when
 * draining. A switch that lost its journal stays alive, so that it can be looked at, but it is never ready again.
 */
export class Health {
  private recovering = true;
  private draining = false;
  private journalProblem: string | undefined;

  /** Every partition has replayed its journal. */
  recovered(): void {
    this.recovering = false;
  }

  /** The journal of a partition refused a write: what was accepted since is not durable. Final. */
  journalFailed(problem: string): void {
    this.journalProblem ??= problem;
  }

  /** A stop was asked for. Final. */
  startDraining(): void {
    this.draining = true;
  }

  /** Whether the process should be left running. It answers, so it is. */
  livez(): boolean {
    return true;
  }

  /** Whether to send requests here, and every reason why not. */
  readyz(): Readiness {
    const reasons: string[] = [];
    if (this.recovering) reasons.push('recovering: the journal is being replayed');
    if (this.journalProblem !== undefined) reasons.push(`journal not writable: ${this.journalProblem}`);
    if (this.draining) reasons.push('draining: the switch is stopping');
    return { ready: reasons.length === 0, reason: reasons.join('; ') || 'ready' };
  }
}

import { describe, expect, it } from 'vitest';
import { Health } from '../../../engine/observe/health.ts';

describe('health', () => {
  it('is ready between recovery and draining', () => {
    const health = new Health();
    expect(health.readyz()).toEqual({ ready: false, reason: 'recovering: the journal is being replayed' });
    health.recovered();
    expect(health.readyz()).toEqual({ ready: true, reason: 'ready' });
    health.startDraining();
    expect(health.readyz()).toEqual({ ready: false, reason: 'draining: the switch is stopping' });
  });

  it('stays not ready after the journal failed, gives the first reason and all others, and stays alive', () => {
    const health = new Health();
    health.recovered();
    health.journalFailed('no space left on device');
    health.journalFailed('something later');
    health.recovered();
    health.startDraining();
    expect(health.readyz()).toEqual({
      ready: false,
      reason: 'journal not writable: no space left on device; draining: the switch is stopping',
    });
    expect(health.livez()).toBe(true);
  });
});

/** Which requests meet which fault. A rule counts the requests it fits, and strikes from the n-th on, for so many. */
import type { RequestInfo, Verb } from './request-info.ts';

/** What goes wrong. */
export type Fault =
  /** The network is slow on the way there, or on the way back. */
  | { readonly do: 'delay'; readonly ms: number; readonly on?: 'request' | 'answer' }
  /** The connection breaks before the server has seen the request. */
  | { readonly do: 'dropBefore' }
  /** The server does what was asked; its answer is lost. */
  | { readonly do: 'dropAfter' }
  /** The request stays on its way until the rule is released, and then arrives, whether its sender still waits or not. */
  | { readonly do: 'hold' }
  /** No answer, and no end either: half-open. With `forward` the server has seen the request. */
  | { readonly do: 'hang'; readonly forward?: boolean }
  /** An answer that the server did not give. */
  | {
      readonly do: 'answer';
      readonly status: number;
      readonly reason?: string;
      readonly retryAfterS?: number;
      readonly body?: string;
    }
  /** The answer that the first request for the same path got. */
  | { readonly do: 'stale' }
  /** The answer breaks off after so many bytes. */
  | { readonly do: 'truncate'; readonly bytes: number }
  /** After so many lines of a watch: it ends, breaks, breaks in the middle of a line, falls silent, or says something. */
  | {
      readonly do: 'watch';
      readonly afterLines: number;
      readonly ending: 'end' | 'reset' | 'resetInLine' | 'silence' | { readonly line: string };
    };

/** Which requests; what is left out fits all. */
export interface Target {
  readonly verb?: Verb | readonly Verb[];
  readonly resource?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly subresource?: string;
  readonly identity?: string;
}

export interface Rule extends Target {
  readonly fault: Fault;
  /** The first fitting request that is struck, counted from 1. @default 1 */
  readonly from?: number;
  /** How many are struck from there on. @default 1 */
  readonly times?: number;
  /** Of those, each so many-th. @default 1 */
  readonly every?: number;
}

/** Whether a request is one of those. */
export function fits(target: Target, info: RequestInfo & { readonly identity: string }): boolean {
  const verbs = target.verb === undefined ? undefined : [target.verb].flat();
  if (verbs !== undefined && !verbs.includes(info.verb)) return false;
  return (['resource', 'name', 'namespace', 'subresource', 'identity'] as const).every(
    (key) => target[key] === undefined || target[key] === info[key],
  );
}

/** A rule at work. */
export class ActiveRule {
  readonly rule: Rule;
  private fitting = 0;
  private readonly struck = Promise.withResolvers<void>();
  private readonly opened = Promise.withResolvers<void>();
  /** How many requests it has struck. */
  hits = 0;

  constructor(rule: Rule) {
    this.rule = rule;
  }

  /** Resolves when it has struck for the first time. */
  get firstHit(): Promise<void> {
    return this.struck.promise;
  }

  /** Lets go what it holds. */
  release(): void {
    this.opened.resolve();
  }

  get released(): Promise<void> {
    return this.opened.promise;
  }

  /** Counts a request; the fault it meets, if any. */
  meet(info: RequestInfo & { readonly identity: string }): Fault | undefined {
    if (!fits(this.rule, info)) return undefined;
    this.fitting += 1;
    const { from = 1, times = 1, every = 1 } = this.rule;
    const since = this.fitting - from;
    if (since < 0 || since % every !== 0 || since / every >= times) return undefined;
    this.hits += 1;
    this.struck.resolve();
    return this.rule.fault;
  }
}

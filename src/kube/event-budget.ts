/**
 * Which events are worth an object of their own, so that something that goes wrong again and again fills neither the server
 * nor anybody's screen. Limits are those of client-go's correlator. Pure but for what is remembered, which is bounded.
 */

export interface EventLimits {
  /** Different events about one object at once. @default 25 */
  readonly burst: number;
  /** After that, one in so long. @default 300000 */
  readonly refillMs: number;
  /** Events that differ in their note alone, within the time below; more are told together. @default 10 */
  readonly mostAlike: number;
  /** @default 600000 */
  readonly alikeMs: number;
  /** Objects and kinds of events that are remembered. @default 4096 */
  readonly mostRemembered: number;
}

export const DEFAULT_EVENT_LIMITS: EventLimits = {
  burst: 25,
  refillMs: 300_000,
  mostAlike: 10,
  alikeMs: 600_000,
  mostRemembered: 4_096,
};

export class EventBudget {
  private readonly limits: EventLimits;
  private readonly tokens = new Map<string, { left: number; at: number }>();
  /** When a reason was last told of an object. */
  private readonly told = new Map<string, number>();
  private readonly alike = new Map<string, { readonly notes: Set<string>; readonly since: number }>();

  constructor(limits: EventLimits) {
    this.limits = limits;
  }

  /**
   * Whether one more event about an object may be told; counts it. The first of its reason always may: of a job that had
   * many, how it ends is told all the same. `now`: milliseconds that only grow.
   */
  allows(object: string, reason: string, now: number): boolean {
    const { burst, refillMs, mostRemembered } = this.limits;
    const { left, at } = this.tokens.get(object) ?? { left: burst, at: now };
    const refilled = Math.min(burst, left + (now - at) / refillMs);
    const isAllowed = refilled >= 1;
    remember(this.tokens, object, { left: isAllowed ? refilled - 1 : refilled, at: now }, mostRemembered);
    const kind = `${object} ${reason}`;
    const isFirst = !this.told.has(kind);
    remember(this.told, kind, now, mostRemembered);
    return isAllowed || isFirst;
  }

  /** Whether so many events that differ in their note alone were told that this one is told with the others. */
  isOneOfMany(kind: string, note: string, now: number): boolean {
    const { mostAlike, alikeMs, mostRemembered } = this.limits;
    const known = this.alike.get(kind);
    const isCurrent = known !== undefined && now - known.since < alikeMs;
    const group = isCurrent ? known : { notes: new Set<string>(), since: now };
    if (!group.notes.has(note) && group.notes.size >= mostAlike) return true;
    group.notes.add(note);
    remember(this.alike, kind, group, mostRemembered);
    return false;
  }
}

/** Keeps a value. The one unused for longest makes room, and is answered. */
export function remember<V>(map: Map<string, V>, key: string, value: V, most: number): V | undefined {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return undefined;
  const [oldest] = map;
  if (oldest === undefined) return undefined;
  map.delete(oldest[0]);
  return oldest[1];
}

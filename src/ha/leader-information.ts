import type { Entries } from './handle-backend.ts';
import { componentIdOf, isLeaderKey } from './keys.ts';

/** Where the leader of a component is reached, and in which session. */
export interface LeaderInformation {
  readonly sessionId: string;
  readonly address: string;
}

export function encodeLeaderInformation({ sessionId, address }: LeaderInformation): string {
  return `${sessionId},${address}`;
}

/** What a text says; undefined when it says nothing. The address may contain commas. */
export function decodeLeaderInformation(text: string | undefined): LeaderInformation | undefined {
  const comma = text?.indexOf(',') ?? -1;
  return text === undefined || comma < 1
    ? undefined
    : { sessionId: text.slice(0, comma), address: text.slice(comma + 1) };
}

/** The leaders an object names, by component. */
export function leadersIn(entries: Entries): Map<string, LeaderInformation> {
  const leaders = new Map<string, LeaderInformation>();
  for (const [key, text] of entries) {
    const information = isLeaderKey(key) ? decodeLeaderInformation(text) : undefined;
    if (information !== undefined) leaders.set(componentIdOf(key), information);
  }
  return leaders;
}

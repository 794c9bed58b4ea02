/** What the requests of an operator say about it, as a proxy has seen them: how often it made and removed what, and that it rests. */
import type { PassedRequest } from '../faults/api/api-proxy.ts';

const WRITES: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'apply', 'delete', 'deletecollection']);

/** Whether it asks for a change. */
export function isWrite({ verb }: PassedRequest): boolean {
  return WRITES.has(verb);
}

/** Objects that the server made or removed, by `create services counts-rest` and how often. Names must be those of one job. */
export function creationsAndDeletions(requests: readonly PassedRequest[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const request of requests) {
    const { verb, resource, serverStatus = 0 } = request;
    const isDone = serverStatus >= 200 && serverStatus < 300;
    if (!isDone || (verb !== 'create' && verb !== 'delete' && verb !== 'deletecollection')) continue;
    const key = `${verb} ${resource} ${nameOf(request)}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function nameOf({ name, path, body, verb }: PassedRequest): string {
  if (name !== undefined) return name;
  if (verb !== 'create') return new URL(path, 'https://server').searchParams.get('labelSelector') ?? '';
  return (JSON.parse(body) as { metadata?: { name?: string } }).metadata?.name ?? '';
}

/** Most requests within any stretch of time of this length. */
export function mostWithin(requests: readonly PassedRequest[], ms: number): number {
  const times = requests.map(({ receivedAtMs }) => receivedAtMs).sort((a, b) => a - b);
  let first = 0;
  let most = 0;
  times.forEach((time, last) => {
    while (time - (times[first] ?? 0) > ms) first++;
    most = Math.max(most, last - first + 1);
  });
  return most;
}

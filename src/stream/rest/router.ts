/** The one table of routes, and how a method and a path find their row. */
import { COMMAND_ROUTES } from './command-routes.ts';
import type { Route } from './reply.ts';
import { STATE_ROUTES } from './state-routes.ts';
import { VIEW_ROUTES } from './view-routes.ts';

/** Everything the server answers. The first row that fits decides, so fixed words stand before a `:name`. */
export const ROUTES: readonly Route[] = [...VIEW_ROUTES, ...COMMAND_ROUTES, ...STATE_ROUTES];

/** Where a request goes. */
export type Match =
  | { readonly found: 'route'; readonly route: Route; readonly params: Record<string, string> }
  | { readonly found: 'otherMethods'; readonly allow: readonly string[] }
  | { readonly found: 'nothing' }
  | { readonly found: 'badEncoding'; readonly part: string };

const PARTS = new Map(ROUTES.map((route) => [route, route.path.split('/').slice(1)]));

/** The row for a raw path, with or without Flink's `/v1` in front. */
export function match(method: string, rawPath: string): Match {
  const raw = rawPath
    .replace(/^\/v1(?=\/)/, '')
    .split('/')
    .slice(1);
  const parts: string[] = [];
  for (const part of raw) {
    const decoded = decode(part);
    if (decoded === undefined) return { found: 'badEncoding', part };
    parts.push(decoded);
  }
  const fitting = ROUTES.filter((route) => fits(partsOf(route), parts));
  const samePath = fitting.filter(({ path }) => path === fitting[0]?.path);
  const route = samePath.find((one) => one.method === method);
  if (route !== undefined) return { found: 'route', route, params: paramsOf(partsOf(route), parts) };
  return samePath.length === 0
    ? { found: 'nothing' }
    : { found: 'otherMethods', allow: samePath.map((one) => one.method) };
}

function partsOf(route: Route): readonly string[] {
  return PARTS.get(route) ?? [];
}

function fits(pattern: readonly string[], parts: readonly string[]): boolean {
  return (
    pattern.length === parts.length &&
    pattern.every((part, index) => (part.startsWith(':') ? parts[index] !== '' : part === parts[index]))
  );
}

function paramsOf(pattern: readonly string[], parts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pattern.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), parts[index] ?? '']] : [])),
  );
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

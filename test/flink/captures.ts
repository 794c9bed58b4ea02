/** What real Flink wrote: ConfigMaps of every stage of a session and of an application, with what stands in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigMapShape } from '../../src/flink/ha-data/config-map.ts';

/** A handle that a capture holds, in words. */
export interface ExpectedHandle {
  readonly configMap: string;
  readonly key: string;
  readonly uri: string;
  readonly bytes: number;
  readonly serialVersionUID: string;
  readonly deleting: boolean;
}

/** One stage. */
export interface Capture {
  /** `2.3.0/04-running`. */
  readonly name: string;
  readonly flink: string;
  readonly stage: string;
  readonly configMaps: { readonly kind: 'List'; readonly items: readonly Required<ConfigMapShape>[] };
  readonly expectedHandles: readonly ExpectedHandle[];
}

const FOLDER = 'test/fixtures/flink/config-maps';

/** All of them, in their order. */
export const captures: readonly Capture[] = readdirSync(FOLDER)
  .sort()
  .flatMap((version) =>
    readdirSync(join(FOLDER, version))
      .sort()
      .map((file) => ({
        ...(JSON.parse(readFileSync(join(FOLDER, version, file), 'utf8')) as Omit<Capture, 'name'>),
        name: `${version}/${file.replace('.json', '')}`,
      })),
  );

/** One of them by its name. */
export function capture(name: string): Capture {
  const found = captures.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no capture ${name}`);
  return found;
}

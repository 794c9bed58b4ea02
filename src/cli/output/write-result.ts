/** A result for machines: JSON or YAML of the same record, stable, each ending in a line break. */
import { stringify } from 'yaml';
import type { CliIo } from '../command.ts';

/** Forms that every result has. */
export type OutputFormat = 'text' | 'json' | 'yaml';

/** Writes a record for machines, or, as text, the lines for people. */
export function writeResult(
  result: unknown,
  lines: () => readonly string[],
  format: OutputFormat,
  io: Pick<CliIo, 'stdout'>,
): void {
  switch (format) {
    case 'json':
      io.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
      return;
    case 'yaml':
      // Through JSON first, so that both say the same: absent is absent, and nothing is an alias.
      io.stdout.write(stringify(JSON.parse(JSON.stringify(result)), { aliasDuplicateObjects: false, lineWidth: 0 }));
      return;
    case 'text':
      io.stdout.write(
        lines()
          .map((line) => `${line}\n`)
          .join(''),
      );
  }
}

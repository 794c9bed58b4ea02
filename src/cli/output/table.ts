/** Rows of text: aligned columns on a terminal, separated by tabs elsewhere so that `cut` and `awk` find them. */
import type { CliIo } from '../command.ts';
import { paintFor } from './paint.ts';

/** The lines of a table, header first, without a line break at the end. Cells hold no line breaks. */
export function tableLines(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  io: Pick<CliIo, 'isTty' | 'env'>,
): string[] {
  const cells = rows.map((row) => row.map((cell) => cell.replace(/[\t\r\n]+/g, ' ')));
  if (!io.isTty) return [header, ...cells].map((row) => row.join('\t'));
  const widths = header.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const aligned = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [paintFor(io)('strong', aligned(header)), ...cells.map(aligned)];
}

/**
 * Makes record objects from columns. Few columns are the usual case and get an object literal of their own: literals of
 * one shape are made several times faster than objects that are filled in a loop.
 */

/** The record of one row. */
export type RowMaker = (columns: readonly (readonly unknown[])[], row: number) => Record<string, unknown>;

/** A maker of objects with these fields, in this order. */
export function rowMaker(names: readonly string[]): RowMaker {
  const [a = '', b = '', c = '', d = ''] = names;
  switch (names.length) {
    case 1:
      return ([first], row) => ({ [a]: first?.[row] });
    case 2:
      return ([first, second], row) => ({ [a]: first?.[row], [b]: second?.[row] });
    case 3:
      return (columns, row) => ({ [a]: columns[0]?.[row], [b]: columns[1]?.[row], [c]: columns[2]?.[row] });
    case 4:
      return (columns, row) => ({
        [a]: columns[0]?.[row],
        [b]: columns[1]?.[row],
        [c]: columns[2]?.[row],
        [d]: columns[3]?.[row],
      });
    default:
      return (columns, row) => filledRow(names, columns, row);
  }
}

function filledRow(
  names: readonly string[],
  columns: readonly (readonly unknown[])[],
  row: number,
): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (let index = 0; index < names.length; index++) record[names[index] as string] = columns[index]?.[row];
  return record;
}

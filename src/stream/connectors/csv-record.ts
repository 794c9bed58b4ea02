/** Makes a record of the fields of one line of CSV. */

/** `number` and `integer` take what JavaScript's Number takes, `integer` only safe ones; `boolean` true, false, 1 and 0. */
export type CsvColumnType = 'string' | 'number' | 'integer' | 'boolean';

/** A record, or why the fields make none. */
export type CsvRecord = { readonly record: Record<string, unknown> } | { readonly invalid: string };

/** Knows the columns of one file. */
export class CsvColumns {
  readonly #names: readonly string[];
  readonly #types: readonly CsvColumnType[];

  private constructor(names: readonly string[], types: readonly CsvColumnType[]) {
    this.#names = names;
    this.#types = types;
  }

  /** The columns, or why these names and types do not go together. */
  static of(
    names: readonly string[],
    types: Readonly<Record<string, CsvColumnType>>,
  ): { columns: CsvColumns } | { invalid: string } {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) return { invalid: `two columns have the name "${twice}"` };
    if (names.includes('__proto__')) return { invalid: 'a column has the name "__proto__", which no record can have' };
    const unknown = Object.keys(types).find((name) => !names.includes(name));
    if (unknown !== undefined)
      return {
        invalid: `there is no column "${unknown}", for which a type is given; the columns are ${names.join(', ')}`,
      };
    return {
      columns: new CsvColumns(
        names,
        names.map((name) => types[name] ?? 'string'),
      ),
    };
  }

  recordOf(fields: readonly string[]): CsvRecord {
    const names = this.#names;
    if (fields.length !== names.length) return { invalid: `it has ${fields.length} fields instead of ${names.length}` };
    const record: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      const text = fields[index] as string;
      const type = this.#types[index] as CsvColumnType;
      const value = type === 'string' ? text : parsed(text.trim(), type);
      if (value === undefined) return { invalid: `column "${name}" holds "${text}", which is no ${type}` };
      record[name] = value;
    }
    return { record };
  }
}

/** Undefined when the text is not of the type. */
function parsed(text: string, type: Exclude<CsvColumnType, 'string'>): number | boolean | null | undefined {
  if (text.length === 0) return null;
  if (type === 'boolean') return BOOLEANS.get(text.toLowerCase());
  const value = Number(text);
  const fits = type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
  return fits ? value : undefined;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

import {
  bigDecimalHash,
  bigIntegerHash,
  booleanHash,
  charHash,
  doubleHash,
  floatHash,
  intHash,
  longHash,
  stringHash,
  tupleHash,
  uuidHash,
} from '../../src/stream/types/key-hash.ts';

/** A key as the fixture spells it: text in full precision, or the fields of a tuple, each `{type: text}` or null. */
export type KeyAsText = string | (Record<string, string> | null)[];

/** The hash of a key that is written down as a Java type and a text. */
export function hashOfText(type: string, key: KeyAsText): number {
  if (typeof key === 'string') return hashOfSimpleText(type, key);
  return tupleHash(
    key.map((field) => {
      if (field === null) return null;
      const [fieldType, text] = Object.entries(field)[0]!;
      return hashOfSimpleText(fieldType, text);
    }),
  );
}

function hashOfSimpleText(type: string, text: string): number {
  switch (type) {
    case 'String':
      return stringHash(text);
    case 'Integer':
    case 'Short':
    case 'Byte':
      return intHash(Number(text));
    case 'Character':
      return charHash(text);
    case 'Long':
      return longHash(BigInt(text));
    case 'Double':
      return doubleHash(javaNumber(text));
    case 'Float':
      return floatHash(javaNumber(text));
    case 'Boolean':
      return booleanHash(text === 'true');
    case 'UUID':
      return uuidHash(text);
    case 'BigInteger':
      return bigIntegerHash(BigInt(text));
    case 'BigDecimal':
      return bigDecimalHash(text);
    default:
      throw new Error(`no key type ${type}`);
  }
}

const javaNumber = (text: string) => Number(text.replace(/[fFdD]$/, ''));

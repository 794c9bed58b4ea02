/** Turns a parsed YAML document into plain values, remembers where each came from, and refuses what is unsafe. */
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';

/** Most values of one document once aliases are replaced by what they stand for. */
export const MAX_VALUES = 100_000;
/** Most uses of aliases in one document. */
export const MAX_ALIASES = 100;

const FORBIDDEN_KEYS = ['__proto__', 'constructor', 'prototype'];
// Words and numbers of YAML 1.1 that YAML 1.2 reads differently.
const OLD_BOOLEAN = /^(?:(y|yes|on)|n|no|off)$/i;
const OLD_OCTAL = /^[-+]?0[0-7]+$/;

type Step = string | number;

/** Ends the reading of a document. Caught by readYaml; never leaves this folder. */
export class ReadProblem extends Error {
  readonly code: string;
  readonly offset: number;
  readonly path: readonly Step[];
  readonly rule: string;
  readonly remedy: string;

  constructor(code: string, offset: number, path: readonly Step[], rule: string, remedy: string) {
    super(rule);
    this.code = code;
    this.offset = offset;
    this.path = [...path];
    this.rule = rule;
    this.remedy = remedy;
  }
}

/** Reads one document. */
export class PlainReader {
  readonly ambiguous: { path: readonly Step[]; readAs: string }[] = [];
  private readonly anchors = new Map<string, Node>();
  /** Nodes being read, so that an alias inside its own anchor is seen. */
  private readonly open = new Set<Node>();
  /** Of each object and list: offsets of its entries. */
  private readonly offsets = new WeakMap<object, Map<Step, number>>();
  private readonly path: Step[] = [];
  private values = 0;
  private aliases = 0;

  /** The plain value of a node. Throws ReadProblem. */
  read(node: unknown): unknown {
    this.values++;
    if (this.values > MAX_VALUES)
      this.refuse('TOO_MANY_VALUES', node, `there are more than ${MAX_VALUES} values`, 'Split it.');
    if (isAlias(node)) return this.alias(node);
    if (isScalar(node)) return this.scalar(node);
    if (isMap(node)) return this.nested(node, () => this.map(node));
    if (isSeq(node)) return this.nested(node, () => this.list(node));
    return null;
  }

  /** Offset of the entry at a path of a value that was read here, or of the deepest parent that is there. */
  offsetOf(root: unknown, path: readonly Step[]): number | undefined {
    let value = root;
    let found: number | undefined;
    for (const step of path) {
      const offset = value !== null && typeof value === 'object' ? this.offsets.get(value)?.get(step) : undefined;
      if (offset === undefined) return found;
      found = offset;
      value = (value as Record<Step, unknown>)[step];
    }
    return found;
  }

  private nested<T>(node: Node & { anchor?: string | undefined }, read: () => T): T {
    this.anchor(node);
    this.open.add(node);
    const value = read();
    this.open.delete(node);
    return value;
  }

  private anchor(node: Node & { anchor?: string | undefined }): void {
    if (node.anchor !== undefined) this.anchors.set(node.anchor, node);
  }

  private alias(node: Alias): unknown {
    this.aliases++;
    const target = this.anchors.get(node.source);
    if (target === undefined)
      return this.refuse('YAML', node, `the alias *${node.source} has no anchor`, 'Write the value.');
    if (this.open.has(target) || this.aliases > MAX_ALIASES) {
      return this.refuse(
        'TOO_MANY_ALIASES',
        node,
        'aliases repeat too much',
        `Write the values out; ${MAX_ALIASES} aliases are allowed.`,
      );
    }
    return this.read(target);
  }

  private scalar(node: Scalar): unknown {
    this.anchor(node);
    const { value, type, source = '' } = node;
    if (type === 'PLAIN' && node.tag === undefined) this.noteAmbiguity(value, source);
    return typeof value === 'bigint' ? Number(value) : value;
  }

  private noteAmbiguity(value: unknown, source: string): void {
    const word = typeof value === 'string' ? OLD_BOOLEAN.exec(value) : null;
    if (word !== null) this.ambiguous.push({ path: [...this.path], readAs: word[1] === undefined ? 'false' : 'true' });
    if (typeof value === 'number' && OLD_OCTAL.test(source)) {
      this.ambiguous.push({ path: [...this.path], readAs: String(Number.parseInt(source, 8)) });
    }
  }

  private list(node: YAMLSeq): unknown[] {
    const result: unknown[] = [];
    const places = new Map<Step, number>();
    this.offsets.set(result, places);
    for (const [index, item] of node.items.entries()) {
      places.set(index, offsetOf(item));
      this.path.push(index);
      result.push(this.read(item));
      this.path.pop();
    }
    return result;
  }

  private map(node: YAMLMap): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    const places = new Map<Step, number>();
    this.offsets.set(result, places);
    for (const { key, value } of node.items) {
      const name = this.key(key);
      this.path.push(name);
      if (places.has(name)) this.refuse('DUPLICATE_KEY', key, 'is written twice', 'Remove one of them.');
      if (FORBIDDEN_KEYS.includes(name)) this.refuse('FORBIDDEN_KEY', key, 'is not allowed as a key', 'Remove it.');
      places.set(name, offsetOf(key));
      result[name] = this.read(value);
      this.path.pop();
    }
    return result;
  }

  private key(key: unknown): string {
    const node = isAlias(key) ? this.anchors.get(key.source) : key;
    if (!isScalar(node)) this.refuse('YAML', key, 'a key must be a word or a number', 'Write a name before the ":".');
    this.anchor(node as Scalar);
    return String((node as Scalar).value);
  }

  private refuse(code: string, node: unknown, rule: string, remedy: string): never {
    throw new ReadProblem(code, offsetOf(node), this.path, rule, remedy);
  }
}

function offsetOf(node: unknown): number {
  return (node as { range?: readonly number[] } | null)?.range?.[0] ?? 0;
}

/**
 * Reads a Java Object Serialization stream of known classes. The caller asks for each part in turn, so the depth and the
 * shape of what is read are those of the caller's code, whatever the stream says. Back references and long strings are
 * understood; nothing is looked up by a name in the stream.
 */
import { DataInput, type DataSubject } from './data-input.ts';
import { DataOutput } from './data-output.ts';
import { FIRST_HANDLE, type JavaClass, type JavaField, STREAM_HEADER, TAG } from './java-classes.ts';

/** A class as a stream describes it. */
export interface JavaClassDescriptor {
  readonly javaClass: JavaClass;
  readonly serialVersionUid: bigint;
}

/** What was given a handle, which a back reference can name. */
type Referable =
  | { readonly is: 'class'; readonly descriptor: JavaClassDescriptor }
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'object' };

/** The parts of one stream, in their order. Methods throw a FlinkDataError when the stream holds something else. */
export class JavaObjectInput {
  /** For the primitive fields, which stand in the stream as they are. */
  readonly data: DataInput;
  readonly #referable: Referable[] = [];

  constructor(bytes: Uint8Array, subject: DataSubject) {
    this.data = new DataInput(bytes, subject);
    const header = this.data.int32();
    if (header !== STREAM_HEADER) {
      this.data.fail(`a Java object stream begins with aced0005, not ${(header >>> 0).toString(16).padStart(8, '0')}`);
    }
  }

  /** Begins an object of one of these classes; its fields come next, in the order of the class. */
  object(classes: readonly JavaClass[]): JavaClassDescriptor {
    this.#expect(TAG.object, namesOf(classes));
    const descriptor = this.#descriptor(classes);
    this.#referable.push({ is: 'object' });
    return descriptor;
  }

  /** The end of what a class with SC_WRITE_METHOD wrote. */
  endOfObject(javaClass: JavaClass): void {
    this.#expect(TAG.endBlockData, `the end of ${javaClass.name}`);
  }

  /** A string, written out or referred to. */
  string(what: string): string {
    const tag = this.data.byte();
    if (tag === TAG.reference) {
      const referred = this.#referred();
      return referred.is === 'text' ? referred.text : this.data.fail(`${what} refers to something that is no text`);
    }
    if (tag !== TAG.string && tag !== TAG.longString) return this.#unexpected(tag, what);
    const length = tag === TAG.string ? this.data.uint16() : this.data.long('the length of a text');
    const text = this.data.utfBody(length);
    this.#referable.push({ is: 'text', text });
    return text;
  }

  /** The elements of an array of bytes, as a view. */
  byteArray(what: string, arrayClass: JavaClass): Uint8Array {
    this.#expect(TAG.array, what);
    this.#descriptor([arrayClass]);
    this.#referable.push({ is: 'object' });
    return this.data.bytes(this.data.count('bytes', 1));
  }

  /** The bytes that were written outside of any object, up to the next object. */
  blockData(): Uint8Array {
    const written = new DataOutput();
    for (;;) {
      const tag = this.data.peek();
      if (tag !== TAG.blockData && tag !== TAG.longBlockData) return written.written();
      this.data.byte();
      written.bytes(this.data.bytes(tag === TAG.blockData ? this.data.byte() : this.data.count('bytes', 1)));
    }
  }

  #descriptor(classes: readonly JavaClass[]): JavaClassDescriptor {
    const tag = this.data.byte();
    if (tag === TAG.reference) return this.#referredDescriptor(classes);
    if (tag !== TAG.classDescriptor) return this.#unexpected(tag, `the class ${namesOf(classes)}`);
    const name = this.data.utf();
    const javaClass = classes.find((each) => each.name === name);
    if (javaClass === undefined) return this.data.fail(`the class ${namesOf(classes)} is expected, not ${shown(name)}`);
    const serialVersionUid = this.data.int64();
    if (!javaClass.serialVersionUids.includes(serialVersionUid)) {
      this.data.fail(`${name} has the serialVersionUID ${serialVersionUid}, which no Flink wrote`);
    }
    const descriptor = { javaClass, serialVersionUid };
    this.#referable.push({ is: 'class', descriptor });
    this.#fields(javaClass);
    return descriptor;
  }

  #referredDescriptor(classes: readonly JavaClass[]): JavaClassDescriptor {
    const referred = this.#referred();
    if (referred.is === 'class' && classes.includes(referred.descriptor.javaClass)) return referred.descriptor;
    return this.data.fail(`the class ${namesOf(classes)} is expected, not what was written before`);
  }

  /** Flags, fields, no annotation and no super class: exactly as the class is known. */
  #fields(javaClass: JavaClass): void {
    const { name, flags, fields } = javaClass;
    const found = this.data.byte();
    if (found !== flags) this.data.fail(`${name} has the flags ${found} instead of ${flags}`);
    const count = this.data.uint16();
    if (count !== fields.length) this.data.fail(`${name} has ${count} fields instead of ${fields.length}`);
    for (const field of fields) this.#field(javaClass, field);
    this.#expect(TAG.endBlockData, `the end of the description of ${name}`);
    this.#expect(TAG.null, `no super class of ${name}`);
  }

  #field(javaClass: JavaClass, { typeCode, name, type }: JavaField): void {
    const foundCode = String.fromCharCode(this.data.byte());
    const foundName = this.data.utf();
    const foundType = type === undefined ? undefined : this.string(`the type of the field ${name}`);
    if (foundCode !== typeCode || foundName !== name || foundType !== type) {
      this.data.fail(`${javaClass.name} has another field instead of ${name}`);
    }
  }

  #referred(): Referable {
    const handle = this.data.int32();
    return this.#referable[handle - FIRST_HANDLE] ?? this.data.fail(`nothing was written under the handle ${handle}`);
  }

  #expect(tag: number, what: string): void {
    const found = this.data.byte();
    if (found !== tag) this.#unexpected(found, what);
  }

  #unexpected(tag: number, what: string): never {
    return this.data.fail(
      tag === TAG.null ? `${what} is null` : `${what} is expected, not the tag 0x${tag.toString(16).padStart(2, '0')}`,
    );
  }
}

function namesOf(classes: readonly JavaClass[]): string {
  return classes.map(({ name }) => name.replace(/^.*[.$]/, '')).join(' or ');
}

/** A name from the stream, short enough for a message. */
function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

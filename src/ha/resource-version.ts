import { IllegalArgumentException } from '../lib/java-errors.ts';

/**
 * The version of the object that holds an entry, or that there is no such entry. Follows Flink's StringResourceVersion.
 * Ask `isExisting`; the text is for people.
 */
export class StringResourceVersion {
  private readonly value: string;

  private constructor(value: string) {
    this.value = value;
  }

  private static readonly absent = new StringResourceVersion('-1');

  /** The one version of what does not exist. */
  static notExisting(): StringResourceVersion {
    return StringResourceVersion.absent;
  }

  /** A version as the store writes it. `-1` is reserved for what does not exist. */
  static valueOf(value: string): StringResourceVersion {
    if (value === StringResourceVersion.absent.value) {
      throw new IllegalArgumentException(`the version ${value} stands for "not existing" and cannot be made`);
    }
    return new StringResourceVersion(value);
  }

  isExisting(): boolean {
    return this !== StringResourceVersion.absent;
  }

  getValue(): string {
    return this.value;
  }

  toString(): string {
    return `StringResourceVersion{value='${this.value}'}`;
  }
}

import type { TypeInformation } from '../types/type-information.ts';

/** Names a side output. Two tags of one id are the same tag. Follows Flink's OutputTag. */
export class OutputTag<T> {
  readonly id: string;
  /** How records cross threads; self-describing when absent. */
  readonly type: TypeInformation<T> | undefined;
  constructor(id: string, type?: TypeInformation<T>) {
    if (id.length === 0) throw new TypeError('An output tag needs an id that is not empty.');
    this.id = id;
    this.type = type;
  }
}

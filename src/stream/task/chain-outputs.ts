/**
 * What an operator of a chain emits into: the next operator by a plain call, channels to other subtasks, or several of
 * both. One small class per case keeps the call sites of the hot path apart.
 */
import type { OutputTag } from '../functions/output-tag.ts';
import type { OneInputOperator, Output } from '../operators/operator.ts';

/**
 * One place to emit into: the main output of an operator, or one of its side outputs. By itself it is an output whose side
 * outputs nobody reads, so that the commonest case costs one call per record.
 */
export abstract class Target implements Output {
  abstract collect(value: unknown, timestamp: number): void;
  abstract emitWatermark(timestamp: number): void;
  abstract emitIdle(idle: boolean): void;
  collectSide(): void {}
}

/** The next operator of the chain. */
export class ChainedTarget extends Target {
  readonly #next: OneInputOperator;
  constructor(next: OneInputOperator) {
    super();
    this.#next = next;
  }
  collect(value: unknown, timestamp: number): void {
    this.#next.processElement(value, timestamp);
  }
  emitWatermark(timestamp: number): void {
    this.#next.processWatermark(timestamp);
  }
  emitIdle(idle: boolean): void {
    this.#next.processIdle(idle);
  }
}

/** The output of an operator: its main targets and, by tag, its side targets. Unread side outputs are dropped. */
export function createOutput(main: readonly Target[], sides: ReadonlyMap<string, readonly Target[]>): Output {
  const [first] = main;
  if (first !== undefined && main.length === 1) return sides.size === 0 ? first : new SingleOutput(first, sides);
  return new FanOutput(main, sides);
}

abstract class SideOutputs {
  readonly #sides: ReadonlyMap<string, readonly Target[]>;
  constructor(sides: ReadonlyMap<string, readonly Target[]>) {
    this.#sides = sides;
  }
  collectSide(tag: OutputTag<unknown>, value: unknown, timestamp: number): void {
    const targets = this.#sides.get(tag.id);
    if (targets === undefined) return;
    for (const target of targets) target.collect(value, timestamp);
  }
  /** Side streams have the watermarks of the main stream. */
  protected sideTargets(): Target[] {
    return [...this.#sides.values()].flat();
  }
}

class SingleOutput extends SideOutputs implements Output {
  readonly #target: Target;
  readonly #all: readonly Target[];
  constructor(target: Target, sides: ReadonlyMap<string, readonly Target[]>) {
    super(sides);
    this.#target = target;
    this.#all = [target, ...this.sideTargets()];
  }
  collect(value: unknown, timestamp: number): void {
    this.#target.collect(value, timestamp);
  }
  emitWatermark(timestamp: number): void {
    for (const target of this.#all) target.emitWatermark(timestamp);
  }
  emitIdle(idle: boolean): void {
    for (const target of this.#all) target.emitIdle(idle);
  }
}

class FanOutput extends SideOutputs implements Output {
  readonly #targets: readonly Target[];
  readonly #all: readonly Target[];
  constructor(targets: readonly Target[], sides: ReadonlyMap<string, readonly Target[]>) {
    super(sides);
    this.#targets = targets;
    this.#all = [...targets, ...this.sideTargets()];
  }
  collect(value: unknown, timestamp: number): void {
    for (let index = 0; index < this.#targets.length; index++) {
      (this.#targets[index] as Target).collect(value, timestamp);
    }
  }
  emitWatermark(timestamp: number): void {
    for (const target of this.#all) target.emitWatermark(timestamp);
  }
  emitIdle(idle: boolean): void {
    for (const target of this.#all) target.emitIdle(idle);
  }
}

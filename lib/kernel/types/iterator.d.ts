// Iterator helpers, for TypeScript 5.0: newer versions declare them on a type that it does not have.
interface IteratorHelpers<T> {
  map<U>(callback: (value: T, index: number) => U): IterableIterator<U>;
  filter<S extends T>(predicate: (value: T, index: number) => value is S): IterableIterator<S>;
  filter(predicate: (value: T, index: number) => unknown): IterableIterator<T>;
  take(limit: number): IterableIterator<T>;
  drop(count: number): IterableIterator<T>;
  flatMap<U>(callback: (value: T, index: number) => Iterable<U>): IterableIterator<U>;
  reduce(callback: (sum: T, value: T, index: number) => T): T;
  reduce<U>(callback: (sum: U, value: T, index: number) => U, initial: U): U;
  toArray(): T[];
  forEach(callback: (value: T, index: number) => void): void;
  some(predicate: (value: T, index: number) => unknown): boolean;
  every(predicate: (value: T, index: number) => unknown): boolean;
  find<S extends T>(predicate: (value: T, index: number) => value is S): S | undefined;
  find(predicate: (value: T, index: number) => unknown): T | undefined;
}
interface IterableIterator<T> extends IteratorHelpers<T> {}
interface Generator<T, TReturn, TNext> extends IteratorHelpers<T> {}
declare var Iterator: { from<T>(values: Iterable<T> | Iterator<T>): IterableIterator<T> };

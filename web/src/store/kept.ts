/**
 * What of a value may be stored in the browser, and how the value is read again. `initial` is what the form began with: a value
 * that was not stored is read as that.
 */
export interface Kept<T> {
  /** The part that may be stored; undefined stores nothing. */
  write(value: T, initial: T): unknown;
  /** Undefined if what is stored does not fit, as that of another build may not. */
  read(stored: unknown, initial: T): T | undefined;
}

/** Is never stored. */
export const nothing: Kept<string> = {
  write: () => undefined,
  read: (_, initial) => initial,
};

/** Is stored as it is. */
export function whole<T extends string | boolean>(): Kept<T> {
  return {
    write: (value) => value,
    read: (stored, initial) => (typeof stored === typeof initial ? (stored as T) : undefined),
  };
}

/** Is stored as it is, and read if it is one of these. */
export function oneOf<T extends string>(values: readonly T[]): Kept<T> {
  return {
    write: (value) => value,
    read: (stored) => values.find((value) => value === stored),
  };
}

/** Stores the fields that are listed. The compiler asks for a line for every field, so that none is stored unawares. */
export function fields<T extends object>(list: { [K in keyof T]: Kept<T[K]> }): Kept<T> {
  const names = Object.keys(list) as (keyof T)[];
  return {
    write: (value, initial) =>
      Object.fromEntries(names.map((name) => [name, list[name].write(value[name], initial[name])])),
    read: (stored, initial) => {
      if (typeof stored !== "object" || stored === null) return undefined;
      const entries = names.map((name) => [
        name,
        list[name].read((stored as Partial<T>)[name], initial[name]),
      ]);
      return entries.every(([, value]) => value !== undefined)
        ? (Object.fromEntries(entries) as T)
        : undefined;
    },
  };
}

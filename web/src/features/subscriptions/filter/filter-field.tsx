import { Field } from "@/ui/field";
import { FilterEditor } from "./filter-editor";
import type { useFilterTest } from "./queries";

interface Props {
  /** The patterns of the filter. */
  types: readonly string[];
  expression: string;
  test: ReturnType<typeof useFilterTest>;
  onChange: (expression: string) => void;
}

/** The expression of a filter, with what is wrong underlined. */
export function FilterField({ types, expression, test, onChange }: Props) {
  const problems =
    test.isCurrent && expression.trim() !== "" ? (test.query.data?.problems ?? []) : [];
  return (
    <Field
      label="Expression"
      path="subscription.filter.expression"
      hint={
        <>
          CEL over <code>event</code>, its attributes and <code>event.data</code>: only events for
          which it is true are selected. Empty selects all. Ctrl+Space completes.
        </>
      }
    >
      {(control) => (
        <FilterEditor
          control={control}
          value={expression}
          onChange={onChange}
          types={types}
          problems={problems}
        />
      )}
    </Field>
  );
}

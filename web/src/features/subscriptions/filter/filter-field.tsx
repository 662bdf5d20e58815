import { Field } from "@/ui/field";
import { FilterEditor } from "./filter-editor";
import { FilterTest } from "./filter-test";
import { useFilterTest } from "./queries";

interface Props {
  /** The patterns of the filter. */
  types: readonly string[];
  expression: string;
  onChange: (expression: string) => void;
}

/** The expression of a filter, with what it would select. */
export function FilterField({ types, expression, onChange }: Props) {
  const test = useFilterTest(types, expression);
  const problems = test.isCurrent ? (test.query.data?.problems ?? []) : [];
  return (
    <>
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
      <FilterTest expression={expression} test={test} onChange={onChange} />
    </>
  );
}

import {
  type ComponentProps,
  createContext,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useContext,
  useId,
} from "react";
import type { Fault, FieldFault } from "@/rpc/fault";
import { clsx } from "./clsx";
import styles from "./field.module.css";
import { Notice } from "./states";

const FaultsContext = createContext<FieldFault[]>([]);

/** Hands the field faults of a failed call to the fields below; what no field claims is shown on top. */
export function FormFaults({
  fault,
  quiet = [],
  paths,
  children,
}: {
  fault: Fault | undefined;
  /** Faults that are shown at their fields alone. */
  quiet?: FieldFault[];
  /** The paths the form has fields for. */
  paths: readonly string[];
  children: ReactNode;
}) {
  const fields = fault?.fields ?? [];
  const strays = fields.filter((field) => !paths.some((path) => covers(path, field.path)));
  const atFields = fields.length > strays.length;
  return (
    <FaultsContext value={[...fields, ...quiet]}>
      {fault && (
        <Notice tone="bad">
          <p>{atFields ? "Some fields have errors." : fault.message}</p>
          {strays.map((stray) => (
            <p key={stray.path}>
              <code>{stray.path}</code>: {stray.message}
            </p>
          ))}
        </Notice>
      )}
      {children}
    </FaultsContext>
  );
}

/** Hands faults to the fields below without a word on top: for what is checked while one types. */
export function LiveFaults({ faults, children }: { faults: FieldFault[]; children: ReactNode }) {
  return <FaultsContext value={faults}>{children}</FaultsContext>;
}

/** Whether a field shows the errors of a path: "filter.types" does for "filter.types[2]". */
export function covers(path: string, faulty: string): boolean {
  if (!faulty.startsWith(path)) return false;
  const rest = faulty.charAt(path.length);
  return rest === "" || rest === "." || rest === "[";
}

/** The faults that belong to a path or lie below it. */
export function useFieldFaults(path: string | undefined): FieldFault[] {
  const faults = useContext(FaultsContext);
  return path === undefined ? [] : faults.filter((fault) => covers(path, fault.path));
}

interface FieldProps {
  label: ReactNode;
  /** The field of the request it fills, as the server names it; faults of a field without one are shown elsewhere. */
  path?: string | undefined;
  hint?: ReactNode;
  children: (control: ControlProps) => ReactNode;
}

export interface ControlProps {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
}

/** Ties a label, a control, a hint and the faults together. */
export function Field({ label, path, hint, children }: FieldProps) {
  const id = useId();
  const faults = useFieldFaults(path);
  const described = [hint && `${id}-hint`, faults.length > 0 && `${id}-fault`].filter(Boolean);
  return (
    <div className={styles.field}>
      <label className={styles.label} htmlFor={id}>
        {label}
      </label>
      {children({
        id,
        "aria-describedby": described.length > 0 ? described.join(" ") : undefined,
        "aria-invalid": faults.length > 0 || undefined,
      })}
      {faults.length > 0 && (
        <p id={`${id}-fault`} className={styles.fault}>
          {faults.map(({ message }) => message).join(" ")}
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
    </div>
  );
}

export function Input({ mono, ...props }: { mono?: boolean } & ComponentProps<"input">) {
  return (
    <input
      spellCheck={false}
      autoComplete="off"
      {...props}
      className={clsx(styles.control, mono && styles.mono, props.className)}
    />
  );
}

export function TextArea(props: TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return <textarea rows={2} {...props} className={styles.control} />;
}

export function Select(props: SelectHTMLAttributes<HTMLSelectElement>) {
  return <select {...props} className={clsx(styles.control, props.className)} />;
}

/** A form in one column. */
export const formClass = styles.form;

import type { EventType } from "#gen/postrider/v1/event_type_pb";
import { EnforcementLevel, UnknownFields } from "#gen/postrider/v1/event_type_pb";
import { readFault, sentence } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { levelStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { Field, Select } from "@/ui/field";
import { Notice } from "@/ui/states";
import styles from "./event-type-page.module.css";
import { useUpdateEventType } from "./queries";

const levels = [EnforcementLevel.OFF, EnforcementLevel.WARN, EnforcementLevel.ENFORCE];

/** How strictly the schema is held to: for the tenant that is looked at, and for the others. */
export function LevelChoice({ type }: { type: EventType }) {
  const { isAdmin, isServerScoped, session, tenant } = useAccess();
  const owner = tenant || session.tenant;
  if (!isAdmin) {
    return (
      <>
        <Badge status={levelStatus[type.level]} />
        <p className={styles.note}>{levelStatus[type.level].hint}</p>
        <UnknownFieldsNote type={type} />
      </>
    );
  }
  return (
    <>
      {isServerScoped && (
        <LevelSelect type={type} label="On this server" tenant="" level={type.defaultLevel} />
      )}
      {owner !== "" && (
        <LevelSelect
          type={type}
          label={`In ${owner}`}
          tenant={owner}
          level={type.level}
          defaultLevel={type.defaultLevel}
        />
      )}
      <p className={styles.note}>{sentence(levelStatus[type.level].hint)}</p>
      {isServerScoped ? <UnknownFieldsSelect type={type} /> : <UnknownFieldsNote type={type} />}
    </>
  );
}

/** For users who may not change it. */
function UnknownFieldsNote({ type }: { type: EventType }) {
  if (type.unknownFields !== UnknownFields.IGNORE) return null;
  return <p className={styles.note}>Unknown fields are left out.</p>;
}

/** What fields of a payload mean that the schema does not have, for everybody. */
function UnknownFieldsSelect({ type }: { type: EventType }) {
  const update = useUpdateEventType();
  return (
    <>
      <Field label="Unknown fields">
        {(control) => (
          <Select
            {...control}
            disabled={update.isPending}
            value={type.unknownFields}
            onChange={(event) =>
              update.mutate({
                eventType: { name: type.name, unknownFields: Number(event.target.value) },
                updateMask: { paths: ["unknown_fields"] },
              })
            }
          >
            <option value={UnknownFields.REFUSE}>Are refused as violations</option>
            <option value={UnknownFields.IGNORE}>Are not stored, but counted</option>
          </Select>
        )}
      </Field>
      {update.isError && <Notice tone="bad">{readFault(update.error).message}</Notice>}
    </>
  );
}

function LevelSelect(props: {
  type: EventType;
  label: string;
  /** The tenant of the level; empty for all tenants without a level of their own. */
  tenant: string;
  level: EnforcementLevel;
  /** What holds without one of the tenant's own. */
  defaultLevel?: EnforcementLevel;
}) {
  const { type, label, tenant, level, defaultLevel } = props;
  const update = useUpdateEventType();
  const choose = (chosen: EnforcementLevel) =>
    update.mutate({
      tenant,
      eventType: { name: type.name, level: chosen },
      updateMask: { paths: ["level"] },
    });
  return (
    <>
      <Field label={label}>
        {(control) => (
          <Select
            {...control}
            disabled={update.isPending}
            value={level}
            onChange={(event) => choose(Number(event.target.value))}
          >
            {levels.map((value) => (
              <option key={value} value={value}>
                {levelStatus[value].label}
              </option>
            ))}
            {defaultLevel !== undefined && (
              <option value={EnforcementLevel.UNSPECIFIED}>
                As on this server: {levelStatus[defaultLevel].label}
              </option>
            )}
          </Select>
        )}
      </Field>
      {update.isError && <Notice tone="bad">{readFault(update.error).message}</Notice>}
    </>
  );
}

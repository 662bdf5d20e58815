import type { DescMessage } from "@bufbuild/protobuf";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import type { GetEventTypeResponse } from "#gen/postrider/v1/event_type_pb";
import { useSchema } from "@/schema/queries";
import type { Schemas } from "@/schema/schemas";
import { Input } from "@/ui/field";
import { Page } from "@/ui/page";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { emptyMessage } from "./draft";
import { fillFromJson } from "./fill";
import styles from "./playground-page.module.css";
import { useTypeDocumentation, useTypeNames } from "./queries";
import { messageShape } from "./shape";
import { Workbench } from "./workbench";

/** Fill in an event by its schema, see it as JSON and as code, publish it and watch it arrive. */
export function PlaygroundPage({ type }: { type: string | undefined }) {
  const types = useTypeNames();
  const names = types.data?.pages.flatMap((page) => page.eventTypes.map(({ name }) => name)) ?? [];
  const chosen = type ?? names[0];
  return (
    <Page
      title="Playground"
      actions={names.length > 0 && <TypeChoice names={names} type={chosen} />}
    >
      {types.isPending && <Skeleton rows={8} label="Loading event types" />}
      {types.isError && !types.data && (
        <ErrorState
          title="Event types could not be loaded"
          cause={types.error}
          onRetry={() => void types.refetch()}
        />
      )}
      {types.data && names.length === 0 && <NoTypes />}
      {types.data && chosen !== undefined && names.length > 0 && (
        <TypeWorkbench key={chosen} type={chosen} />
      )}
    </Page>
  );
}

function NoTypes() {
  return (
    <EmptyState title="No event types yet">
      <p>
        The playground generates a form from an event type's schema.{" "}
        <Link to="/event-types" search={({ tenant }) => ({ tenant })}>
          Register one
        </Link>{" "}
        first.
      </p>
    </EmptyState>
  );
}

function TypeChoice({ names, type }: { names: string[]; type: string | undefined }) {
  const navigate = useNavigate();
  const choose = (value: string) => {
    if (!names.includes(value) || value === type) return;
    void navigate({ to: "/playground", search: ({ tenant }) => ({ tenant, type: value }) });
  };
  return (
    <>
      <Input
        key={type}
        mono
        list="playground-types"
        aria-label="Event type"
        placeholder="Event type"
        className={styles.type}
        defaultValue={type}
        onFocus={(event) => event.target.select()}
        onChange={(event) => choose(event.target.value)}
        onBlur={(event) => {
          if (!names.includes(event.target.value)) event.target.value = type ?? "";
        }}
      />
      <datalist id="playground-types">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

function TypeWorkbench({ type }: { type: string }) {
  const schema = useSchema(type, 0);
  const documentation = useTypeDocumentation(type);
  const desc = schema.data?.messageOf(type);
  const failed = schema.error ?? documentation.error;
  if (failed && !(desc && documentation.data)) {
    const retry = () => void Promise.all([schema.refetch(), documentation.refetch()]);
    return <ErrorState title="The schema could not be loaded" cause={failed} onRetry={retry} />;
  }
  if (!schema.data || !documentation.data) return <Skeleton rows={12} label="Loading the schema" />;
  if (!desc || messageShape(desc).kind !== "message") return <NoForm type={type} />;
  return <Start type={type} schemas={schema.data} desc={desc} about={documentation.data} />;
}

function NoForm({ type }: { type: string }) {
  return (
    <EmptyState title="No form for this type">
      <p>
        The message of <code>{type}</code> has no fields that a form can show. Publish it as JSON.
      </p>
    </EmptyState>
  );
}

function Start(props: {
  type: string;
  schemas: Schemas;
  desc: DescMessage;
  about: GetEventTypeResponse;
}) {
  const { type, schemas, desc, about } = props;
  const example = about.documentation?.example ?? "";
  // What is being typed must not change when the schema is read again.
  const initial = useMemo(
    () => fillFromJson(desc, example)?.draft ?? emptyMessage(desc),
    [desc, example],
  );
  return (
    <Workbench
      key={`${about.documentation?.version}`}
      type={type}
      schemas={schemas}
      desc={desc}
      about={about}
      initial={initial}
      isExample={example !== ""}
    />
  );
}

import type { DescMessage } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { useMemo } from "react";
import type { GetEventTypeResponse } from "#gen/postrider/v1/event_type_pb";
import { readFault } from "@/rpc/fault";
import { useSchema } from "@/schema/queries";
import type { Schemas } from "@/schema/schemas";
import { Page } from "@/ui/page";
import { ErrorState, Skeleton } from "@/ui/states";
import { emptyMessage } from "./draft";
import { fillFromJson } from "./fill";
import { useMostUsedType, useTypeDocumentation, useTypeNames } from "./queries";
import { messageShape } from "./shape";
import { TypeChoice } from "./type-choice";
import { UntypedWorkbench } from "./untyped-workbench";
import { Workbench } from "./workbench";

/** What a new server publishes first. */
const firstType = "order.created";

/** Fill in an event by its schema, see it as JSON and as code, publish it and watch it arrive. */
export function PlaygroundPage({ type }: { type: string | undefined }) {
  const types = useTypeNames();
  const mostUsed = useMostUsedType(type === undefined);
  const isKnown = types.data !== undefined && !mostUsed.isLoading;
  const chosen = type ?? (isKnown ? (mostUsed.data ?? types.names[0] ?? firstType) : undefined);
  return (
    <Page
      title="Playground"
      actions={chosen && <TypeChoice key={chosen} names={types.names} type={chosen} />}
    >
      {types.isError && !types.data && (
        <ErrorState
          title="Event types could not be loaded"
          cause={types.error}
          onRetry={() => void types.refetch()}
        />
      )}
      {!chosen && !types.isError && <Skeleton rows={8} label="Loading event types" />}
      {chosen && <TypeWorkbench key={chosen} type={chosen} />}
    </Page>
  );
}

function TypeWorkbench({ type }: { type: string }) {
  const documentation = useTypeDocumentation(type);
  const isUntyped = documentation.error && readFault(documentation.error).code === Code.NotFound;
  const schema = useSchema(documentation.data ? type : undefined, 0);
  const desc = schema.data?.messageOf(type);
  if (isUntyped) return <UntypedWorkbench type={type} />;
  const failed = schema.error ?? documentation.error;
  if (failed && !(desc && documentation.data)) {
    const retry = () => void Promise.all([schema.refetch(), documentation.refetch()]);
    return <ErrorState title="The schema could not be loaded" cause={failed} onRetry={retry} />;
  }
  if (!schema.data || !documentation.data) return <Skeleton rows={12} label="Loading the schema" />;
  if (!desc || messageShape(desc).kind !== "message")
    return <UntypedWorkbench type={type} hasSchema />;
  return <Start type={type} schemas={schema.data} desc={desc} about={documentation.data} />;
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

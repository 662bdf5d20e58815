import { useQuery } from "@connectrpc/connect-query";
import { skipToken } from "@tanstack/react-query";
import { useMemo } from "react";
import { EventTypeService, type GetSchemasResponse } from "#gen/postrider/v1/event_type_pb";
import { SubscriptionService } from "#gen/postrider/v1/subscription_pb";
import { useAccess } from "@/rpc/session";
import { readSchemas, type Schemas } from "./schemas";

/** Schemas change when somebody registers; what is older than this is read again when it is looked at. */
const staleMs = 30_000;

const cache = new WeakMap<GetSchemasResponse, Schemas>();

/** Decodes a response once for all components that use it. */
function read(response: GetSchemasResponse): Schemas {
  const known = cache.get(response);
  if (known) return known;
  const schemas = readSchemas(response);
  cache.set(response, schemas);
  return schemas;
}

/** The latest schemas of the event types that the patterns select, all when there are none. Nothing is requested until enabled. */
export function useSchemas(types: readonly string[], enabled = true) {
  return useQuery(
    EventTypeService.method.getSchemas,
    { types: [...types] },
    { select: read, staleTime: staleMs, enabled },
  );
}

/** One version of one type's schema; 0 means the latest. Nothing is requested while the type is undefined. */
export function useSchema(type: string | undefined, version: number) {
  return useQuery(
    EventTypeService.method.getSchemas,
    type === undefined ? skipToken : { types: [type], version },
    // A version never changes.
    { select: read, staleTime: version === 0 ? staleMs : Number.POSITIVE_INFINITY },
  );
}

/** The number of newest events whose types are suggested although they may not be registered. */
const seenEvents = 100;
const mostTypes = 1000;

/** The names of event types that are registered, and of those lately seen. */
export function useTypeNames(): readonly string[] {
  const { tenant } = useAccess();
  const registered = useQuery(
    EventTypeService.method.listEventTypes,
    { tenant, pageSize: mostTypes },
    { staleTime: staleMs },
  ).data;
  // The results of a test name the types without the payloads.
  const seen = useQuery(
    SubscriptionService.method.testFilter,
    { tenant, filter: {}, limit: seenEvents },
    { staleTime: staleMs },
  ).data;
  return useMemo(() => {
    const names = [
      ...(registered?.eventTypes ?? []).map(({ name }) => name),
      ...(seen?.results ?? []).map(({ eventType }) => eventType),
    ];
    return [...new Set(names)].toSorted();
  }, [registered, seen]);
}

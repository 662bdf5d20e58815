import { readFileSync } from "node:fs";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type DiffEventTypeResponseSchema,
  EnforcementLevel,
  type EventType,
  EventTypeSchema,
  type GetEventTypeRequest,
  type GetEventTypeResponseSchema,
  type UpdateEventTypeRequest,
} from "#gen/postrider/v1/event_type_pb";

/** The schemas of the example shop, as GetSchemas answers them. */
export const shopDescriptors = new Uint8Array(readFileSync("../gen/descriptors/shop.v1.binpb"));

type Details = Omit<MessageInitShape<typeof GetEventTypeResponseSchema>, "$typeName">;

/** The event types of the fake server: those of the shop that a test has added. */
export class FakeEventTypes {
  types: EventType[] = [];
  /** What GetEventType answers beside the type, by its name. */
  readonly details = new Map<string, Details>();
  diff: MessageInitShape<typeof DiffEventTypeResponseSchema> = {};
  readonly #record: (method: string, request: unknown) => void;

  constructor(record: (method: string, request: unknown) => void) {
    this.#record = record;
  }

  add(name: string, details: Details = {}, init: MessageInitShape<typeof EventTypeSchema> = {}) {
    const type = create(EventTypeSchema, {
      name,
      message: name,
      level: EnforcementLevel.ENFORCE,
      defaultLevel: EnforcementLevel.ENFORCE,
      latestVersion: 1,
      revision: 1n,
      createTime: timestampFromMs(Date.UTC(2026, 0, 31)),
      ...init,
    });
    this.types.push(type);
    this.details.set(name, details);
    return type;
  }

  service() {
    const one = (name = "") => {
      const type = this.types.find((other) => other.name === name);
      if (!type) throw new ConnectError("there is no such event type", Code.NotFound);
      return type;
    };
    return {
      listEventTypes: () => ({ eventTypes: [...this.types] }),
      getEventType: ({ name }: GetEventTypeRequest) => ({
        ...this.details.get(name),
        eventType: one(name),
      }),
      diffEventType: (request: unknown) => {
        this.#record("diffEventType", request);
        return this.diff;
      },
      updateEventType: (request: UpdateEventTypeRequest) => {
        this.#record("updateEventType", request);
        const type = one(request.eventType?.name);
        change(type, request);
        return { eventType: type };
      },
      deleteEventType: ({ name }: { name: string }) => {
        this.types = this.types.filter((type) => type.name !== name);
        return {};
      },
      getSchemas: () => ({
        descriptorSet: shopDescriptors,
        types: this.types.map(({ name, message, latestVersion: version }) => ({
          type: name,
          message,
          version,
        })),
      }),
    };
  }
}

function change(type: EventType, { tenant, eventType, updateMask }: UpdateEventTypeRequest): void {
  const { level, deprecated, unknownFields } = eventType ?? type;
  for (const path of updateMask?.paths ?? []) {
    if (path === "level") type.level = level || type.defaultLevel;
    if (path === "level" && tenant === "") type.defaultLevel = type.level;
    if (path === "deprecated") type.deprecated = deprecated;
    if (path === "unknown_fields") type.unknownFields = unknownFields;
  }
}

import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import {
  AttemptSchema,
  type Delivery,
  DeliverySchema,
  DeliveryState,
} from "#gen/postrider/v1/delivery_pb";
import { mergeDeliveries } from "./merge";
import { timingParts } from "./timings";

const delivery = (id: string, position: number, state: DeliveryState, updated = 1) =>
  create(DeliverySchema, {
    id,
    cursor: `c${position}`,
    state,
    updateTime: timestampFromMs(updated),
  });
const changes = (...deliveries: Delivery[]) => new Map(deliveries.map((d) => [d.id, d]));
const { PENDING, DELIVERED, DEAD } = DeliveryState;

describe("mergeDeliveries", () => {
  it("shows each delivery once, in its newest form, newest event first", () => {
    const listed = [delivery("b", 2, PENDING, 5), delivery("a", 1, PENDING, 1)];
    const changed = changes(
      delivery("a", 1, DELIVERED, 2),
      delivery("b", 2, DEAD, 4),
      delivery("c", 3, PENDING),
    );
    expect(mergeDeliveries(listed, changed, [], false).map(({ id, state }) => [id, state])).toEqual(
      [
        ["c", PENDING],
        ["b", PENDING],
        ["a", DELIVERED],
      ],
    );
  });

  it("drops what has left the state that is asked for", () => {
    const listed = [delivery("a", 1, PENDING, 1)];
    expect(
      mergeDeliveries(listed, changes(delivery("a", 1, DELIVERED, 2)), [PENDING], false),
    ).toEqual([]);
  });

  it("leaves a change of something older to the page it belongs to", () => {
    const listed = [delivery("b", 5, DELIVERED)];
    const changed = changes(delivery("a", 1, DELIVERED));
    expect(mergeDeliveries(listed, changed, [], true)).toHaveLength(1);
    expect(mergeDeliveries(listed, changed, [], false)).toHaveLength(2);
  });
});

describe("timingParts", () => {
  it("leaves out what did not happen, and calls the remainder rest", () => {
    const attempt = create(AttemptSchema, {
      duration: durationFromMs(100),
      timings: { connect: durationFromMs(10), firstByte: durationFromMs(60) },
    });
    expect(timingParts(attempt)).toEqual([
      { name: "Connect", ms: 10 },
      { name: "Wait", ms: 60 },
      { name: "Rest", ms: 30 },
    ]);
  });

  it("knows nothing of an attempt that has not ended", () => {
    expect(timingParts(create(AttemptSchema))).toBeUndefined();
  });
});

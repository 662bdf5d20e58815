import { describe, expect, it } from "vitest";
import { Kinds } from "@/testing/kinds";
import { curlLine } from "@/ui/format/curl";
import { goCode } from "./code-go";
import { typescriptCode } from "./code-typescript";
import { fillFromJson } from "./fill";
import { goCamelCase } from "./go-names";

const everything = fillFromJson(
  Kinds,
  `{"i32":-1,"i64":"9007199254740993","f64":"NaN","on":true,"text":"a\\"b","raw":"AQID","mode":"MODE_VERY_FAST",
  "maybe":0,"child":{"text":"x"},"tags":["a"],"kids":[{"i32":1}],"byNumber":{"7":"seven"},
  "at":"2026-01-31T09:00:00.5Z","took":"90s","mask":"i32,byNumber","free":{"a":1},"boxed":"5","right":{}}`,
);

it("writes every kind of field as TypeScript", () => {
  expect(typescriptCode(Kinds, everything?.draft ?? { kind: "message", fields: {} })).toBe(
    `import { KindsSchema, Kinds_Mode } from "./gen/test/v1/kinds_pb";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";

await client.publish(KindsSchema, {
  i32: -1,
  i64: 9007199254740993n,
  f64: Number.NaN,
  on: true,
  text: "a\\"b",
  raw: base64Decode("AQID"),
  mode: Kinds_Mode.VERY_FAST,
  maybe: 0,
  child: {
    text: "x",
  },
  tags: [
    "a",
  ],
  kids: [
    {
      i32: 1,
    },
  ],
  byNumber: {
    "7": "seven",
  },
  at: timestampFromDate(new Date("2026-01-31T09:00:00.5Z")),
  took: { seconds: 90n },
  mask: { paths: ["i32", "by_number"] },
  free: {
    "a": 1
  },
  boxed: 5n,
  side: { case: "right", value: {} },
});
`,
  );
});

it("writes every kind of field as Go", () => {
  expect(goCode(Kinds, everything?.draft ?? { kind: "message", fields: {} })).toBe(
    `import (
	"math"
	"time"

	testv1 "example.com/gen/test/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

_, err := c.Publish(ctx, &testv1.Kinds{
	I32: -1,
	I64: 9007199254740993,
	F64: math.NaN(),
	On: true,
	Text: "a\\"b",
	Raw: []byte{0x01, 0x02, 0x03},
	Mode: testv1.Kinds_MODE_VERY_FAST,
	Maybe: proto.Int32(0),
	Child: &testv1.Kinds{
		Text: "x",
	},
	Tags: []string{
		"a",
	},
	Kids: []*testv1.Kinds{
		{
			I32: 1,
		},
	},
	ByNumber: map[int64]string{
		7: "seven",
	},
	At: timestamppb.New(time.Date(2026, time.January, 31, 9, 0, 0, 500000000, time.UTC)),
	Took: durationpb.New(90 * time.Second),
	Mask: &fieldmaskpb.FieldMask{Paths: []string{"i32", "by_number"}},
	Free: fromJSON(&structpb.Struct{}, \`{
	  "a": 1
	}\`),
	Boxed: wrapperspb.Int64(5),
	Side: &testv1.Kinds_Right{Right: &testv1.Kinds{}},
})

// fromJSON reads a well-known type from its JSON form.
func fromJSON[M proto.Message](m M, text string) M {
	if err := protojson.Unmarshal([]byte(text), m); err != nil {
		panic(err)
	}
	return m
}
`,
  );
});

describe("names in Go", () => {
  it.each([
    ["order_id", "OrderId"],
    ["address_2", "Address_2"],
    ["x509_cert", "X509Cert"],
    ["_private", "XPrivate"],
    ["Outer.Inner", "Outer_Inner"],
    ["Outer.inner", "OuterInner"],
    ["fooBar", "FooBar"],
  ])("%s is %s", (name, want) => {
    expect(goCamelCase(name)).toBe(want);
  });
});

it("quotes what the shell would take for its own", () => {
  const event = { type: "a.b", source: "", subject: "it's", data: '{"text":"it\'s $HOME"}' };
  expect(curlLine("https://x.test", "acme", event)).toBe(
    `curl -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
  -d '{"tenant":"acme","event":{"type":"a.b","subject":"it'\\''s","data":{"text":"it'\\''s $HOME"}}}' \\
  https://x.test/postrider.v1.EventService/Publish`,
  );
});

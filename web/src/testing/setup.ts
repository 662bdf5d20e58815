import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// The first page of a test file loads its chunk, which takes a while on a busy machine.
configure({ asyncUtilTimeout: 8000 });

afterEach(() => {
  cleanup();
  sessionStorage.clear();
});

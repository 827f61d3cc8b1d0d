import { expect, it } from "vitest";
import { handed } from "./handover";

it("what an address hands over is taken on this machine alone", () => {
  expect(handed("http://127.0.0.1:4711/login#sign-in=admin:a%3Ab%22")).toEqual({ username: "admin", password: 'a:b"' });
  for (const address of ["https://trueup.example.com/login#sign-in=eve:x", "http://127.0.0.1/login#sign-in=", "http://127.0.0.1/login#sign-in=a:", "http://127.0.0.1/#other=a:b", "http://localhost/#sign-in=a:%"])
    expect(handed(address)).toBeUndefined();
});

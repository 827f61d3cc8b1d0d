import { render } from "preact";
import "./style/tokens.css";
import "./style/page.css";
import "./style/fleet.css";
import { App } from "./app";
import { awake, watchSleep } from "./net/awake";
import { startClock } from "./parts/clock";
import { fleet } from "./replica/fleet";
import { handle } from "./shell/keyboard";
import { takeHanded } from "./shell/handover";
import { signIn, whoAmI } from "./shell/session";

startClock();
watchSleep(document);
const given = takeHanded();
// Who cannot be signed in so is asked as always.
if (given) await signIn(given.username, given.password).catch(() => undefined);
awake.subscribe((looking) => (looking ? fleet.start() : fleet.stop()));
void whoAmI();
document.addEventListener("keydown", handle);
render(<App />, document.getElementById("root") as HTMLElement);

import { render } from "preact";
import "./style/tokens.css";
import "./style/page.css";
import "./style/fleet.css";
import { App } from "./app";
import { awake, watchSleep } from "./net/awake";
import { startClock } from "./parts/clock";
import { fleet } from "./replica/fleet";
import { handle } from "./shell/keyboard";
import { whoAmI } from "./shell/session";

startClock();
watchSleep(document);
awake.subscribe((looking) => (looking ? fleet.start() : fleet.stop()));
void whoAmI();
document.addEventListener("keydown", handle);
render(<App />, document.getElementById("root") as HTMLElement);

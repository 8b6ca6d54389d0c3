// Starts the page's behaviours; each file is one of them.
import "./folds.js";
import "./acts.js";
import "./composer.js";
import { start } from "./live.js";

start();

// Signed-out pages and errors need little.
import "./times.js";
import "./copy.js";
import "./toasts.js";

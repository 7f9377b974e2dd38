/** Composition root: takes a one-time link out of the address, signs in with it, draws the page. */
import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { queries } from "./api/queries";
import { signIn, takeLink } from "./api/session";
import { App } from "./app/App";
import { startPreferences } from "./state/preferences";
import "ol/ol.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/panels.css";
import "./styles/overlays.css";
import "./styles/annotate.css";
import "./styles/compare.css";
import "./styles/status.css";
import "./styles/resources.css";

startPreferences();
const link = takeLink();
let linkError: unknown = null;
if (link !== null) {
  try {
    await signIn({ link });
  } catch (error) {
    linkError = error;
  }
}
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <QueryClientProvider client={queries}>
      <App linkError={linkError} />
    </QueryClientProvider>,
  );
}

// Starts the page: theme first, then the connection, then React.
import "@patternfly/patternfly/patternfly-base.css";
import "./styles.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { connectFleet } from "./connection.ts";
import { createFleetStore } from "./fleet-store.ts";
import { applyTheme } from "./theme.ts";

applyTheme();
const store = createFleetStore();
connectFleet(store);
const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App store={store} />
    </StrictMode>,
  );
}

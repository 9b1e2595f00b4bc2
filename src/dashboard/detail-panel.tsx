// The panel beside a table: title, health and why, what the caller puts below, closed by its button or Escape.
import {
  DrawerActions,
  DrawerCloseButton,
  DrawerHead,
  DrawerPanelBody,
  DrawerPanelContent,
} from "@patternfly/react-core/dist/esm/components/Drawer";
import { type ReactNode, useEffect } from "react";
import type { Health } from "./api.ts";
import { HealthLabel } from "./health-label.tsx";

interface DetailPanelProps {
  readonly title: string;
  readonly health: Health;
  /** Why the health is what it is. */
  readonly why: ReactNode;
  readonly children: ReactNode;
  onClose(): void;
}

export function DetailPanel({ title, health, why, children, onClose }: DetailPanelProps) {
  useEffect(() => {
    const closeOnEscape = (event: KeyboardEvent) => {
      if (event.key === "Escape") onClose();
    };
    document.addEventListener("keydown", closeOnEscape);
    return () => document.removeEventListener("keydown", closeOnEscape);
  }, [onClose]);
  return (
    <DrawerPanelContent className="cp-detail" aria-label={`Details of ${title}`}>
      <DrawerHead>
        <div className="cp-detail__name">
          <h2 className="cp-detail__title">{title}</h2>
          <HealthLabel health={health} />
        </div>
        <DrawerActions>
          <DrawerCloseButton onClick={onClose} />
        </DrawerActions>
      </DrawerHead>
      <DrawerPanelBody className="cp-detail__body">
        <p className={`cp-detail__message cp-edge--${health}`}>{why}</p>
        {children}
      </DrawerPanelBody>
    </DrawerPanelContent>
  );
}

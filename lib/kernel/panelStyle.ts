/** The look of panels: large enough for a projector, in the colors of JupyterLab's theme. */
export const panelStyle = `<style>
.cifar10-panel { overflow: visible; }
.cifar10-panel > .widget-html:first-child { display: none; }
.cifar10-controls {
  --jp-widgets-font-size: 17px;
  --jp-widgets-inline-height: 34px;
  --jp-widgets-inline-label-width: 8.5em;
  --jp-widgets-inline-width: 100%;
  --jp-widgets-inline-width-short: 100%;
  display: grid;
  grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
  gap: 0 32px;
  align-items: start;
  max-width: 1300px;
  padding-right: 12px;
}
.cifar10-group { display: flex; flex-direction: column; overflow: visible; }
.cifar10-controls .widget-readout { min-width: 4em; }
.cifar10-buttons { display: flex; gap: 8px; padding: 4px 0; }
.cifar10-buttons .widget-button { font-size: 17px; height: 40px; min-width: 7em; }
.cifar10-panel.jupyter-widgets-disconnected::before,
.cifar10-panel .jupyter-widgets-disconnected::before { display: none !important; }
.cifar10-panel .jupyter-widgets-disconnected { opacity: 0.6; }
.cifar10-controls.jupyter-widgets-disconnected::after {
  content: 'The kernel of these controls has ended. Run this cell again.';
  grid-column: 1 / -1;
  font-size: 17px;
  font-weight: bold;
}
</style>`;

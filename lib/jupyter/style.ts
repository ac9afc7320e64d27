/** The look of panels: large enough for a projector, in the colours of JupyterLab's theme. */
export const panelStyle = `<style>
.cifar10-panel {
  --jp-widgets-font-size: 17px;
  --jp-widgets-inline-height: 34px;
  --jp-widgets-inline-label-width: 7.5em;
  --jp-widgets-inline-width: 100%;
  --jp-widgets-inline-width-short: 100%;
  display: grid;
  grid-template-columns: 1fr 1fr;
  gap: 0 32px;
  align-items: start;
  overflow: visible;
  max-width: 1300px;
}
.cifar10-panel > .widget-html { display: none; }
.cifar10-group { display: flex; flex-direction: column; overflow: visible; }
.cifar10-panel .widget-readout { min-width: 4em; }
.cifar10-buttons { display: flex; overflow: visible; gap: 8px; }
.cifar10-buttons .widget-button { font-size: 17px; height: 40px; min-width: 7em; }
</style>`;
